import * as vscode from "vscode";
import { Commands, ServerCommands } from "./commands";
import { type Drawn, page } from "./picture";

/** The panel that draws what a training does when it is interrupted and resumed: one, of the training that was asked for last. */
export class Timelines implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private of: string | undefined;
  private after: number | undefined;
  private readonly saved = vscode.workspace.onDidSaveTextDocument((document) => {
    if (this.panel && document.uri.toString() === this.of) {
      void this.draw();
    }
  });

  constructor(private readonly log: vscode.LogOutputChannel) {}

  /** Draws the training in a document, interrupted where the server finds best. */
  async show(document: string | undefined): Promise<void> {
    if (document === undefined) {
      throw new Error("open the training script that is to be drawn first");
    }
    await this.begin(document, undefined);
  }

  /** Asks for an epoch, and draws the training in a document, or the one that is drawn already, interrupted after it. */
  async interrupt(document: string | undefined): Promise<void> {
    const of = document ?? this.of;
    if (of === undefined) {
      throw new Error("open the training script that is to be drawn first");
    }
    const typed = await vscode.window.showInputBox({
      title: "After which epoch is the training interrupted?",
      prompt: "As the loop counts them; a step where it counts steps",
      value: this.after === undefined ? "" : String(this.after),
      validateInput: (value) => (/^-?\d{1,15}$/.test(value.trim()) ? undefined : "A whole number"),
    });
    if (typed !== undefined) {
      await this.begin(of, Number(typed.trim()));
    }
  }

  dispose(): void {
    this.saved.dispose();
    this.panel?.dispose();
  }

  private async begin(of: string, after: number | undefined): Promise<void> {
    this.of = of;
    this.after = after;
    await this.draw(true);
  }

  /** Draws it anew; a failure behind a save is written to the log. */
  private async draw(asked = false): Promise<void> {
    try {
      const drawn = await vscode.commands.executeCommand<Drawn>(ServerCommands.timeline, this.of, this.after ?? null);
      const panel = this.opened(drawn.title);
      panel.title = drawn.title;
      panel.webview.html = page(drawn, { command: Commands.interruptTimeline, says: "Interrupt it after another epoch" });
      if (asked) {
        panel.reveal(undefined, false);
      }
    } catch (error) {
      if (asked) {
        throw error;
      }
      this.log.warn(`the timeline is not drawn again: ${String(error)}`);
    }
  }

  private opened(title: string): vscode.WebviewPanel {
    if (this.panel === undefined) {
      const options = { enableScripts: false, enableCommandUris: [Commands.interruptTimeline], enableFindWidget: true, localResourceRoots: [] };
      this.panel = vscode.window.createWebviewPanel("ckptLsp.timeline", title, vscode.ViewColumn.Beside, options);
      this.panel.onDidDispose(() => {
        this.panel = undefined;
      });
    }
    return this.panel;
  }
}
