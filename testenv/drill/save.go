package drill

import (
	"os"
	"path/filepath"

	"evergate/testenv/drill/report"
)

// Save writes the reports of the same drill on one path or several into dir, which it makes: one page for all of them,
// and a JSON file for each. It returns the page's path.
func Save(dir string, round []*report.Report) (page string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, r := range round {
		text, err := r.JSON()
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, r.DataName()), text, 0o644); err != nil {
			return "", err
		}
	}
	page = filepath.Join(dir, report.PageName(round))
	return page, os.WriteFile(page, report.Page(round), 0o644)
}

// SaveIndex writes a page into dir that lists all rounds, with links to the pages that Save has written there. It
// returns the page's path.
func SaveIndex(dir string, rounds [][]*report.Report) (page string, err error) {
	page = filepath.Join(dir, report.IndexName)
	return page, os.WriteFile(page, report.Index(rounds), 0o644)
}
