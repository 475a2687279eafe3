"""The web floor: routes, handlers, pages. No SQL, no pictures, no paths on disk."""
