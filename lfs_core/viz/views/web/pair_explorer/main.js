// The pair explorer as a view of its own.

/** @import { Place } from "../common/types.d.ts" */

import { pairExplorer } from "./explorer.js";

/** @param {Place} place */
const render = (place) => pairExplorer(place);

export default { render };
