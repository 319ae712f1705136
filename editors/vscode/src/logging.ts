import * as readline from "node:readline";
import type { Readable } from "node:stream";
import * as vscode from "vscode";
import { section, traceLevel } from "./settings";

/** A line of the server's log: time, level and the rest. */
const line = /^\S+\t(DEBUG|INFO|WARN|ERROR|DPANIC|PANIC|FATAL)\t(.*)$/;

/**
 * Copies the server's log into the channel with its levels. What the server logs is up to ckpt-lsp.logLevel, so that its debug lines
 * are shown as information, which the channel does not hide.
 */
export function copyLog(stderr: Readable, log: vscode.LogOutputChannel): void {
  readline.createInterface({ input: stderr, terminal: false }).on("line", (text) => {
    const [, level, rest] = line.exec(text) ?? [];
    switch (level) {
      case undefined:
        log.error(text); // a crash is told in lines of its own
        break;
      case "DEBUG":
      case "INFO":
        log.info(rest ?? text);
        break;
      case "WARN":
        log.warn(rest ?? text);
        break;
      default:
        log.error(rest ?? text);
    }
  });
}

/**
 * A channel for the messages to and from the server. The language client traces when its channel's level is Trace; here the setting
 * ckpt-lsp.trace.server decides, as people know it from other extensions.
 */
export function traceChannel(): vscode.LogOutputChannel {
  const channel = vscode.window.createOutputChannel("ckpt-lsp trace");
  const changed = new vscode.EventEmitter<vscode.LogLevel>();
  const level = () => (traceLevel() === "off" ? vscode.LogLevel.Off : vscode.LogLevel.Trace);
  const watch = vscode.workspace.onDidChangeConfiguration((change) => {
    if (change.affectsConfiguration(`${section}.trace.server`)) {
      changed.fire(level());
    }
  });
  const write = (message: string | Error) => {
    channel.appendLine(`[${new Date().toISOString()}] ${String(message)}`);
  };
  return {
    name: channel.name,
    append: (value) => channel.append(value),
    appendLine: (value) => channel.appendLine(value),
    replace: (value) => channel.replace(value),
    clear: () => channel.clear(),
    show: () => channel.show(true),
    hide: () => channel.hide(),
    dispose: () => vscode.Disposable.from(watch, changed, channel).dispose(),
    get logLevel() {
      return level();
    },
    onDidChangeLogLevel: changed.event,
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
  };
}
