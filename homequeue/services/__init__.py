"""The recipes of the house: plain synchronous functions, one noun or verb a file."""
