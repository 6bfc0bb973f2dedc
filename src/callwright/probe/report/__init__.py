"""What is done with outcomes: the score card, the page, comparing with a baseline, the documentation."""
