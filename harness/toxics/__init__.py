"""The toxics: one pure file per toxic, registered by its wire name, and the chain that composes them. No I/O."""
