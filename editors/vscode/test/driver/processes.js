// The server's process: a child of this extension host.
const fs = require("node:fs");

/** The id of the server's process; undefined while there is none. */
exports.serverPid = () => {
  for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = Number(fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) . /, "").split(" ")[0]);
      const args = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      if (parent === process.pid && args.includes("server") && args.includes("--log-level")) {
        return Number(pid);
      }
    } catch {
      // it ended while it was looked at
    }
  }
  return undefined;
};
