// Parameters of all explorables, declared here and nowhere else. What is in the braces is JSON: Python reads it for its
// traits, see parameters.py. One with `of` is a list, and its slider moves the entry that the parameter named there
// counts to; one with `options` is a choice.
export const PARAMETERS = {
  "phase-line": {
    "loss": { "label": "Loss ", "options": ["L2", "cosine"], "default": "L2" },
    "sigma2": { "label": "Noise of the views σ²", "min": 0, "max": 2, "step": 0.01, "digits": 2, "default": 0.5 },
    "rho": { "label": "Weight decay ρ", "min": 0, "max": 0.4, "step": 0.001, "digits": 3, "default": 0.05 },
    "w": { "label": "Head eigenvalue w at the start", "min": -0.3, "max": 1.2, "step": 0.005, "digits": 3, "default": 0.2 },
    "size": { "label": "Size of all weights (cosine)", "min": 0.2, "max": 1.5, "step": 0.01, "digits": 2, "default": 0.7 },
    "time": { "label": "Time t", "min": 0, "max": 60, "step": 0.5, "digits": 1, "default": 0 }
  },
  "phase-diagram": {
    "beta": { "label": "Coupling to the other modes β", "min": -1, "max": 4, "step": 0.02, "digits": 2, "default": 1 },
    "ratio": { "label": "Decay ratio r", "min": 0.01, "max": 3, "step": 0.005, "digits": 3, "default": 0.15 },
    "scaled": { "label": "Scaled size of the mode", "min": 0, "max": 1.5, "step": 0.01, "digits": 2, "default": 0.5 }
  },
  "regime-shift": {
    "rho": { "label": "Weight decay ρ", "min": 0.05, "max": 3, "step": 0.01, "digits": 2, "default": 0.5 },
    "sigma2": { "label": "Noise of the views σ²", "min": 0, "max": 2, "step": 0.01, "digits": 2, "default": 0.5 },
    "size": { "label": "Size of the heads at the start", "min": 0.1, "max": 1.5, "step": 0.01, "digits": 2, "default": 0.6 },
    "spread": { "label": "Spread of the heads at the start", "min": 0, "max": 1.5, "step": 0.01, "digits": 2, "default": 0.8 },
    "mode": { "label": "Mode, 1 is the smallest", "min": 1, "max": 16, "step": 1, "digits": 0, "default": 10 },
    "moment": { "label": "Moment, as a share of the time shown", "min": 0, "max": 1, "step": 0.005, "digits": 3, "default": 0.5 }
  },
  "clock": {
    "rho1": { "label": "First decay ρ₁", "min": 0, "max": 0.5, "step": 0.005, "digits": 3, "default": 0 },
    "rho2": { "label": "Second decay ρ₂", "min": 0, "max": 0.5, "step": 0.005, "digits": 3, "default": 0.15 },
    "rho3": { "label": "Third decay ρ₃", "min": 0, "max": 0.5, "step": 0.005, "digits": 3, "default": 0.5 },
    "sigma2": { "label": "Noise of the views σ²", "min": 0, "max": 2, "step": 0.01, "digits": 2, "default": 0.5 },
    "spread": { "label": "Spread of the heads at the start", "min": 0, "max": 2, "step": 0.01, "digits": 2, "default": 1.4 },
    "mode": { "label": "Mode, 1 is the smallest", "min": 1, "max": 8, "step": 1, "digits": 0, "default": 2 },
    "time": { "label": "Time t", "min": 0, "max": 8, "step": 0.05, "digits": 2, "default": 3 }
  },
  "survival": {
    "mode": { "label": "Mode to move", "min": 1, "max": 6, "step": 1, "digits": 0, "default": 1 },
    "w": { "label": "Its head w at the start", "of": "mode", "min": -1.2, "max": 1.2, "step": 0.01, "digits": 2, "default": [0.9, 0.6, 0.35, 0.1, -0.3, -0.7] },
    "f": { "label": "Its features f at the start", "of": "mode", "min": 0, "max": 1.2, "step": 0.01, "digits": 2, "default": [0.2, 0.6, 0.1, 0.4, 0.3, 0.2] },
    "sigma2": { "label": "Noise of the views σ²", "min": 0, "max": 2, "step": 0.01, "digits": 2, "default": 0.5 },
    "moment": { "label": "Clock τ, power of ten", "min": -1, "max": 4, "step": 0.05, "digits": 2, "default": 4 }
  },
  "sgd-at-rest": {
    "turn": { "label": "Learning rate × decay, power of ten", "min": -3.5, "max": -0.5, "step": 0.05, "digits": 2, "default": -2 },
    "batch": { "label": "Batch B, power of two", "min": 0, "max": 10, "step": 0.25, "digits": 2, "default": 4 },
    "inputs": { "label": "Inputs per feature d/h", "min": 1, "max": 16, "step": 1, "digits": 0, "default": 4 },
    "h": { "label": "Features h", "min": 4, "max": 64, "step": 4, "digits": 0, "default": 8 },
    "sigma2": { "label": "Noise of the views σ²", "min": 0.05, "max": 2.5, "step": 0.05, "digits": 2, "default": 0.5 }
  }
};

/** Least and largest value of a parameter. */
export const bounds = (figure, parameter) => [PARAMETERS[figure][parameter].min, PARAMETERS[figure][parameter].max];
