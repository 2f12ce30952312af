"""Forces, their neighbourhoods and the teams that look after them."""
