"""The three small CNNs that the examples and the tests run, with random weights and fixed bytes."""
