"""The toxics: one pure file per toxic, registered by its wire name, and the chain that composes them. No I/O."""

from harness.toxics.chain import Chain
from harness.toxics.registry import TYPES, toxic_class, toxic_of
from harness.toxics.shape import Shape, toxic_attributes, toxics_of
from harness.toxics.toxic import BadToxic, DelayedChunk, StreamChunk, Toxic, ToxicSpec
from harness.toxics.toxified import Toxified

__all__ = [
    "TYPES",
    "BadToxic",
    "Chain",
    "DelayedChunk",
    "Shape",
    "StreamChunk",
    "Toxic",
    "ToxicSpec",
    "Toxified",
    "toxic_attributes",
    "toxic_class",
    "toxic_of",
    "toxics_of",
]
