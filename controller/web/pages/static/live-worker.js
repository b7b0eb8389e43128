// One for all pages of a browser, as a SharedWorker.

import {Hub} from "./live-hub.js";

const MOST = 4; // so that two of the six connections are left for what is asked

const hub = new Hub({most: MOST, hidden: true});
self.addEventListener("connect", ({ports: [port]}) => hub.join(port));
