"""Command-line tools that come with the package."""
