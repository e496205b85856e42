# shellcheck shell=bash
# Sourced after `cluster_of`: two small decks in $SHARED, of heat and of bodies.

cat >"$SHARED/heat.toml" <<'DECK'
physics = "heat"
[grid]
cells = [32, 32, 32]
size = [0.4, 0.45, 0.5]
[material]
name = "copper"
[boundary]
all = { kind = "convection", coefficient = 25.0, ambient = 5.0 }
[initial]
kind = "gaussian"
background = 20.0
amplitude = 50.0
center = [0.1, 0.2, 0.2]
width = 0.1
[time]
dt = "auto"
steps = 400
[output]
diagnostics_every = 50
snapshot_formats = []
[checkpoint]
every = 20
DECK
cat >"$SHARED/bodies.toml" <<'DECK'
physics = "nbody"
[gravity]
method = "fmm"
softening = { kind = "plummer", length = 0.02 }
[bodies]
generator = "plummer"
count = 1500
mass = 1.0
scale_radius = 1.0
seed = 3
[time]
dt = 0.004
steps = 60
[output]
diagnostics_every = 10
snapshot_formats = []
[checkpoint]
every = 4
DECK
