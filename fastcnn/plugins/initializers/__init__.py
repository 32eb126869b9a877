"""Initial values of parameters, one file each: `name(generator, parameter) -> array`."""
