"""A PBX to try it on: bring-up, telephones, the demo, the benchmark. The product does not know it."""
