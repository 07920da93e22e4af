"""The experiments of bench/gpu, one module each. Needs Python alone; torch only where it is what is measured."""
