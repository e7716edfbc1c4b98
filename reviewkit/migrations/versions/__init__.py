"""One module per version of the store, in order. A version that was released is never edited: what follows builds on it."""
