import * as vscode from "vscode";
import { Commands } from "./commands";

/** What the server is doing. */
export type State = "starting" | "ready" | "checking" | "stopped";

const texts: Record<State, string> = {
  starting: "ckpt-lsp is starting",
  ready: "ckpt-lsp is ready",
  checking: "ckpt-lsp is checking the workspace",
  stopped: "ckpt-lsp is stopped",
};

/** The entry in the language status of Python files: the server's state and version, and the way to its log. */
export class Status implements vscode.Disposable {
  private readonly item: vscode.LanguageStatusItem;

  constructor(selector: vscode.DocumentSelector) {
    this.item = vscode.languages.createLanguageStatusItem("ckpt-lsp", selector);
    this.item.name = "ckpt-lsp";
    this.item.command = { title: "Show Logs", command: Commands.showLogs };
    this.show("starting");
  }

  /** Shows a state; detail is the server's version, or why it is stopped. */
  show(state: State, detail?: string): void {
    this.item.text = texts[state];
    this.item.busy = state === "starting" || state === "checking";
    this.item.severity = state === "stopped" ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information;
    if (detail !== undefined) {
      this.item.detail = detail;
    }
  }

  dispose(): void {
    this.item.dispose();
  }
}
