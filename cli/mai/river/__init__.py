"""I carry a wish to its end: both trees, the merge, what is shown, the apply, what comes after."""
