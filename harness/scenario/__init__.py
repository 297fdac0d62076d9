"""The scenario language: model, loader, profiles, and the plan that a file becomes."""
