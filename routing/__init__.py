"""Pure routing: who may take which work, in what order and by when; no clock, no input or output, standard library only."""
