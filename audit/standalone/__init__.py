"""Programs that leave with an export; they import nothing of ours."""
