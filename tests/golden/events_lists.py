"""What events.py does not find in our captures, why, and what would show it."""
UNSEEN = {}
KINDS_UNSEEN = {}
UNFILLED = {}
UNTOLD = {}
