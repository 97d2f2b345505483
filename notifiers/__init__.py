"""People: cards, Slack, delivery."""
