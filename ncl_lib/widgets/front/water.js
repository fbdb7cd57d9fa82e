// Water-filling: which modes survive, as in ncl_lib.survival.
// Names and formulas are those of the library; see the docstrings there. Tested against it on golden values.
import { sum } from "./averages.js";

const DEAD = 1e-6; // features, in units of the largest, of a mode that has died

/** Who has features left at the end of a run. */
export const living = (f) => f.map((value) => value > DEAD * Math.max(...f));

/** Who is not forced dead, and the floors over which water rises. */
export function fitness(w, f) {
  const c = f.map((value, j) => value - w[j] ** 2);
  return { able: c.map((value, j) => f[j] > 0 && (value > 0 || w[j] > 0)), floors: c.map((value) => Math.max(-value, 0)) };
}

/** Water-filling: who lives, and the level x; null where no mode is able, or the only one has a negative head. */
export function waterFill(w, f) {
  const { able, floors } = fitness(w, f);
  const count = able.filter(Boolean).length;
  if (count === 0 || (count === 1 && w[able.indexOf(true)] <= 0)) return null;
  const volume = sum(w.length, (j) => w[j] ** 2 - (able[j] ? 0 : floors[j]));
  const depths = floors.filter((_, j) => able[j]).sort((p, q) => p - q);
  let above = sum(count, (k) => depths[k]);
  let level = 0;
  for (let k = 0; k < count; k++) {
    above -= depths[k];
    level = (volume - above) / (k + 1);
    if (k + 1 === count || level <= depths[k + 1]) break;
  }
  return { level, alive: able.map((yes, j) => yes && level > floors[j]) };
}
