// The server's process: a child of this extension host, or of the proxy that records what the two say.
const fs = require("node:fs");

/** The id of the server's process; undefined while there is none. */
exports.serverPid = () => {
  const running = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).map(processOf);
  const servers = running.filter((p) => p?.args.includes("server") && p.args.includes("--log-level"));
  const childOf = (parent) => servers.find((p) => p.parent === parent)?.pid;
  const child = childOf(process.pid);
  return childOf(child) ?? child;
};

/** A process's id, its parent's, and its arguments; undefined when it ended while it was looked at. */
function processOf(pid) {
  try {
    const parent = Number(fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) . /, "").split(" ")[0]);
    return { pid, parent, args: fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0") };
  } catch {
    return undefined;
  }
}
