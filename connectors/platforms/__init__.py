"""The advertising platforms, as far as an approved pause needs them: read a campaign's state, pause it, resume it."""
