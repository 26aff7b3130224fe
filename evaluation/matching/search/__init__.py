"""How sets are found, on arrays: a `Problem` or plain arrays in, rows out. Knows no options of a method, no tables and no panels."""
