"""The commands, one module for each or for each group. `flows/cli` imports a module when its command is called."""
