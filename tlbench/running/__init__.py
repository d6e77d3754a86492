"""Execute a plan: draw, fit, predict, score and record each cell, here or in workers."""
