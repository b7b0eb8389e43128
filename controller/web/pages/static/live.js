// Follows for a page what goes on in calls, together with all other pages of the browser; where a browser shares
// nothing among pages, by a stream of the page's own, while somebody sees it.

import {Refused} from "./api.js";
import {Hub} from "./live-hub.js";

const NAME = "live-1"; // another one whenever what is said to it changes: an older page's may still be there
const FIRST_WORD_WITHIN_MS = 10000;
const SILENT_AFTER_MS = 2500; // something is said every second

export class Live {
  #told;
  #port = null;
  #shared = typeof SharedWorker !== "undefined";
  #heard = 0; // when something was heard last through this port; 0: never
  #watchdog;
  #following = null;
  #end = () => {};

  // told: what is called with what is told: open({ahead}), event({name, data}), lost(), held().
  constructor(told) {
    this.#told = told;
    window.addEventListener("pagehide", () => this.#say({kind: "leave"}));
    window.addEventListener("pageshow", ({persisted}) => persisted && this.#again());
    document.addEventListener("visibilitychange", () => this.#seen());
    document.addEventListener("resume", () => this.#seen());
    window.addEventListener("offline", () => this.#say({kind: "doubt"}));
  }

  // Follow what is said at this path to who asks, until leave(). Throws Refused.
  async follow(path, {token, csrf}) {
    this.#following = {kind: "follow", path, token, csrf};
    try {
      await new Promise((over, refused) => {
        this.#end = (why) => (why ? refused(why) : over());
        this.#again();
      });
    } finally {
      this.#following = null;
      clearTimeout(this.#watchdog);
    }
  }

  // What was said before and has not been heard yet never is: it was said to somebody else.
  leave() {
    this.#close();
    this.#end();
  }

  #say(message) {
    this.#port?.postMessage({...message, visible: !document.hidden});
  }

  // Who was asleep, or is seen again, takes nothing that they have for what is so.
  #seen() {
    if (!this.#following || document.hidden) this.#say({kind: "seen"});
    else this.#again();
  }

  #again() {
    if (!this.#following) return;
    if (this.#heard && Date.now() - this.#heard > SILENT_AFTER_MS) this.#told.lost();
    if (this.#port === null) this.#open();
    this.#say(this.#following);
    this.#watch();
  }

  #open() {
    this.#heard = 0;
    try {
      this.#port = this.#shared ? this.#worker() : null;
    } catch {
      this.#shared = false; // a frame of another site may not be let near it
    }
    this.#port ??= ownPort();
    this.#port.onmessage = ({data}) => this.#hear(data);
  }

  #worker() {
    const worker = new SharedWorker("/static/live-worker.js", {type: "module", name: NAME});
    worker.addEventListener("error", () => this.#alone());
    return worker.port;
  }

  #alone() {
    if (this.#heard) return;
    this.#shared = false;
    this.#reopen();
  }

  #reopen() {
    this.#close();
    this.#again();
  }

  #close() {
    this.#say({kind: "leave"});
    this.#port?.close();
    this.#port = null;
  }

  #watch() {
    clearTimeout(this.#watchdog);
    if (this.#shared) this.#watchdog = setTimeout(() => this.#silent(), this.#heard ? SILENT_AFTER_MS : FIRST_WORD_WITHIN_MS);
  }

  // Whoever it was shared with is no more, or has never been.
  #silent() {
    if (!this.#following) return;
    if (!this.#heard) this.#shared = false;
    this.#told.lost();
    this.#reopen();
  }

  #hear(message) {
    this.#heard = Date.now();
    if (message.kind === "still") this.#say({kind: "here"});
    if (!this.#following) return;
    this.#watch();
    try {
      if (message.kind === "refused") this.#end(new Refused(message.status, message.detail));
      else if (message.kind !== "still") this.#told[message.kind](message);
    } catch (error) { // whatever fails here, what is shown may not be so
      this.#told.lost();
      this.#end(error);
    }
  }
}

function ownPort() {
  const {port1, port2} = new MessageChannel();
  new Hub({most: 1, hidden: false}).join(port1);
  return port2;
}
