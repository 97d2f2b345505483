"""What runs, and the only place where everything is wired together."""
