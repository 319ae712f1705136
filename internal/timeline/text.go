package timeline

import (
	"fmt"
	"slices"
	"strings"
)

// Columns of the text: of the names in front, and of the picture.
const (
	nameColumns = 17
	drawColumns = 80
	pageColumns = nameColumns + drawColumns + 2
)

// Text is the timelines for a terminal, in no more than 100 columns and without colour.
func Text(of string, all []Timeline) string {
	if len(all) == 0 {
		return Nothing(of) + "\n"
	}
	var out strings.Builder
	for i := range all {
		if i > 0 {
			out.WriteString("\n")
		}
		all[i].text(&out)
	}
	return out.String()
}

func (t *Timeline) text(out *strings.Builder) {
	say := func(name, text string) {
		for i, line := range wrapped(text, pageColumns-10) {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(out, "  %-7s %s\n", name, line)
		}
	}
	fmt.Fprintln(out, clip(t.Loop.String()+"  "+t.Loop.Text, pageColumns))
	for _, line := range wrapped(t.Headline(), pageColumns-2) {
		fmt.Fprintln(out, "  "+line)
	}
	out.WriteString("\n" + t.picture() + "\n")
	say("Resume", t.Resumes())
	if r := t.Resume; r.Save != nil {
		at := "The checkpoint is written at " + t.place(*r.Save)
		if r.Load != nil {
			at += " and loaded at " + t.place(*r.Load)
		}
		say("", at+".")
	}
	for i, r := range t.Rates {
		name := "Rate"
		if i > 0 {
			name = ""
		}
		say(name, fmt.Sprintf("%s (%s): %s.", r.Scheduler, t.place(r.Site), t.Says(r)))
		t.rateTable(out, r)
	}
	for i, s := range t.Saves {
		name := "Saves"
		if i > 0 {
			name = ""
		}
		say(name, fmt.Sprintf("%s (%s): %s; %s.", clip(s.Name, 60), t.place(s.Site), t.When(s), t.Stays(s)))
	}
	if t.Best != nil {
		say("Best", upper(t.Metric())+".")
	}
	for i, f := range t.Flaws {
		name := "Flaws"
		if i > 0 {
			name = ""
		}
		say(name, fmt.Sprintf("%s %s (%s): %s", f.Code, f.Name, t.place(f.Site), f.Message))
	}
	for i, why := range t.Unknown {
		name := "Unknown"
		if i > 0 {
			name = ""
		}
		say(name, upper(why)+".")
	}
}

// rateTable lists the rates where they change.
func (t *Timeline) rateTable(out *strings.Builder, r Rate) {
	const most = 10
	if len(r.Points) == 0 || r.Reason != "" {
		return
	}
	show := func(x *float64) string {
		if x == nil {
			return "-"
		}
		return fmt.Sprintf("%.4g", *x)
	}
	fmt.Fprintf(out, "          %8s %14s %14s\n", t.Unit, "uninterrupted", "resumed")
	for _, p := range r.changes(most) {
		resumed := show(p.Resumed)
		if r.ResumedReason != "" && p.Round > t.Interrupted.After {
			resumed = "?"
		}
		note := ""
		if r.Differs != nil && p.Round >= *r.Differs && p.Resumed != nil && show(p.Uninterrupted) != resumed {
			note = "  differs"
		}
		fmt.Fprintf(out, "          %8s %14s %14s%s\n", t.number(p.Round), show(p.Uninterrupted), resumed, note)
	}
}

// picture is the rows in signs, with what the signs mean.
func (t *Timeline) picture() string {
	count := t.Drawn.count()
	each := max(1, (count+drawColumns-1)/drawColumns) // rounds in a column
	width := 1                                        // columns of a round
	if each == 1 {
		width = int(min(3, drawColumns/count))
	}
	var out strings.Builder
	line := func(name, signs string) {
		out.WriteString(strings.TrimRight(fmt.Sprintf("  %-*s %s", nameColumns-2, middle(name, nameColumns-2), signs), " ") + "\n")
	}
	columns := int((count + each - 1) / each)
	line(t.Unit, t.axis(columns, each, width))
	line("interrupted", strings.Repeat(" ", int((t.Interrupted.After-t.Drawn.From)/each)*width)+"v")
	used := []mark{}
	for _, r := range t.rows() {
		var signs strings.Builder
		for c := range int64(columns) {
			top := blank
			for n := t.Drawn.From + c*each; n < min(t.Drawn.From+(c+1)*each, t.Drawn.To+1); n++ {
				top = max(top, r.in(n))
			}
			if top != blank && !slices.Contains(used, top) {
				used = append(used, top)
			}
			sign := marks[top].sign
			if width > 1 && (top == runs || top == repeats || top == twice) {
				sign = strings.Repeat(sign, width-1)
			}
			fmt.Fprintf(&signs, "%-*s", width, sign)
		}
		line(r.label, signs.String())
	}
	if more := len(t.Saves) - mostFiles; more > 0 {
		line("", fmt.Sprintf("(and %d more files)", more))
	}
	slices.Sort(used)
	var legend []string
	for _, m := range used {
		legend = append(legend, marks[m].sign+" "+marks[m].name)
	}
	if each > 1 {
		legend = append(legend, fmt.Sprintf("a column is %d %ss", each, t.Unit))
	}
	out.WriteString("\n")
	for _, l := range wrappedBy(legend, "   ", pageColumns-2) {
		out.WriteString("  " + l + "\n")
	}
	return out.String()
}

// wrappedBy are lines of parts that are not broken.
func wrappedBy(parts []string, gap string, width int) []string {
	var out []string
	line := ""
	for _, p := range parts {
		switch {
		case line == "":
			line = p
		case len(line)+len(gap)+len(p) > width:
			out, line = append(out, line), p
		default:
			line += gap + p
		}
	}
	return append(out, line)
}

// axis are the numbers of rounds above their columns.
func (t *Timeline) axis(columns int, each int64, width int) string {
	line := []byte(strings.Repeat(" ", columns*width+12))
	free := 0
	for c := range columns {
		n := t.Drawn.From + int64(c)*each
		if columns > 26 && (n-t.Drawn.From)%(each*10) != 0 {
			continue
		}
		label := t.number(n)
		if at := c * width; at >= free {
			copy(line[at:], label)
			free = at + len(label) + 1
		}
	}
	axis := strings.TrimRight(string(line), " ")
	return axis[:min(len(axis), drawColumns)]
}
