"""Wrong clients, kept on purpose: a scenario that none of them fails is not earning its time.

Each is the reference client with one policy or one decision changed, and stands for a bug of a published client (the
table is in this folder's README). ``REFERENCE_CLIENT`` has no bug planted, and the name "".
"""

from harness.clients.mutants.mutant import Mutant
from harness.clients.mutants.registry import MUTANTS, REFERENCE_CLIENT, mutant

__all__ = ["MUTANTS", "REFERENCE_CLIENT", "Mutant", "mutant"]
