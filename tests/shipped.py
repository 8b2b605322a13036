"""The deployments that ship, by what they can be used for."""

from sw_model.spec import load_deployment, shipped_deployments

PLAIN = [name for name in shipped_deployments() if load_deployment(name).spec.plain]
"""Those that all hardware commands take: rate code, one plane, one noise level."""
FEW_SPIKES = [name for name in shipped_deployments() if name not in PLAIN]
"""Those of the few-spike code, which take a noise level."""
