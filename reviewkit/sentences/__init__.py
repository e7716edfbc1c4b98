"""The optional sentence model: how alike two texts are in meaning, as one more term of a match. Off unless asked for."""
