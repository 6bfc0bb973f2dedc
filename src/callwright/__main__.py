"""`python -m callwright` is `callwright`."""

from callwright.cli import main

if __name__ == "__main__":
    main()
