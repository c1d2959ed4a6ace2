package drill

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"evergate/testenv/drill/report"
)

// Save writes a report into dir as JSON and as one HTML page that needs nothing else. It gives the page's path.
func Save(r *report.Report, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := strings.ReplaceAll(strings.ReplaceAll(r.Path, ":", "-"), "/", "-")
	base := filepath.Join(dir, fmt.Sprintf("%s-%s-%s-%s", r.Drill, r.Mode, path, r.ID))
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(base+".json", append(text, '\n'), 0o644); err != nil {
		return "", err
	}
	return base + ".html", os.WriteFile(base+".html", []byte(r.Page()), 0o644)
}
