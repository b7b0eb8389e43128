"""The commands of ``recording-controller``, by what they are about; ``controller.__main__`` puts them together."""
