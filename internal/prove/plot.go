package prove

import (
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Curve is what a run learned at: a point for each optimizer step.
type Curve struct {
	Name string
	// Steps count those of the uninterrupted run, from 1. Rates are those of the first parameter group; NaN where a loss was not seen.
	Steps, Rates, Losses []float64
}

func curve(name string, l *runLog, begin int) Curve {
	c := Curve{Name: name}
	for i, e := range l.steps {
		rate := math.NaN()
		if len(e.LR) > 0 {
			rate = parse(e.LR[0])
		}
		c.Steps = append(c.Steps, float64(begin+i+1))
		c.Rates = append(c.Rates, rate)
		c.Losses = append(c.Losses, parse(e.Loss))
	}
	return c
}

// parse reads a number as Python writes it, NaN where there is none.
func parse(text string) float64 {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v
	}
	return math.NaN()
}

// colors are those of the curves, told apart by people who see few colours too.
var colors = []color.Color{color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}}

// WritePlot draws the learning rates, and below them the losses, of runs over one axis of steps as an SVG picture.
func WritePlot(w io.Writer, curves []Curve) error {
	canvas := vgsvg.New(8*vg.Inch, 6*vg.Inch)
	tiles := draw.Tiles{Rows: 2, Cols: 1, PadTop: vg.Points(6), PadBottom: vg.Points(6), PadLeft: vg.Points(6), PadRight: vg.Points(12), PadY: vg.Points(12)}
	var plots [][]*plot.Plot
	for _, of := range []struct {
		name   string
		values func(Curve) []float64
	}{{"learning rate", func(c Curve) []float64 { return c.Rates }}, {"loss", func(c Curve) []float64 { return c.Losses }}} {
		p := plot.New()
		p.Y.Label.Text = of.name
		p.X.Label.Text = "optimizer step"
		p.Legend.Top, p.Legend.Left = true, true // names run to the right, whatever font the viewer has
		p.Legend.XOffs, p.Legend.Padding = vg.Points(12), vg.Points(3)
		for i, c := range curves {
			line, err := plotter.NewLine(points(c.Steps, of.values(c)))
			if err != nil {
				continue // a run without a number to draw
			}
			line.Color = colors[i%len(colors)]
			line.Width = vg.Points(1.5)
			if i > 0 {
				line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
			}
			p.Add(line)
			p.Legend.Add(c.Name, line)
		}
		// From zero, so that a constant is seen to be one; room above for the names.
		if least, greatest := extremes(curves, of.values); greatest > 0 {
			p.Y.Min, p.Y.Max = min(0, least), greatest*1.3
		}
		plots = append(plots, []*plot.Plot{p})
	}
	for i, row := range plot.Align(plots, tiles, draw.New(canvas)) {
		plots[i][0].Draw(row[0])
	}
	_, err := canvas.WriteTo(w)
	return err
}

// extremes are the least and the greatest value that curves show; the least is above the greatest where they show none.
func extremes(curves []Curve, values func(Curve) []float64) (least, greatest float64) {
	least, greatest = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, xy := range points(c.Steps, values(c)) {
			least, greatest = min(least, xy.Y), max(greatest, xy.Y)
		}
	}
	return least, greatest
}

// points are those with a number.
func points(xs, ys []float64) plotter.XYs {
	var out plotter.XYs
	for i, y := range ys {
		if !math.IsNaN(y) && !math.IsInf(y, 0) {
			out = append(out, plotter.XY{X: xs[i], Y: y})
		}
	}
	return out
}
