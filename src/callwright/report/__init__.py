"""From a run's directory to something a person reads: one HTML file and one table in the terminal."""
