"""Makes packages for the torch engine from PyTorch modules. Only this folder imports torch, which is optional."""
