package settings

import (
	"evergate/gateway/api"
)

// listed returns every setting with its source: those of the process, then those of each service. A secret is named,
// and not shown.
func (r *Resolved) listed() api.Config {
	c := api.Config{File: r.file, Settings: r.listedOf(nil, process, processSettings, target{config: &r.Config})}
	for i := range r.Config.Services {
		c.Settings = r.listedOf(c.Settings, i, serviceSettings, target{&r.Config, &r.Config.Services[i]})
	}
	return c
}

func (r *Resolved) listedOf(all []api.Setting, service int, of []*Setting, t target) []api.Setting {
	for _, s := range of {
		shown := api.Setting{Name: s.Name, Value: Masked(s.show(t)), Source: "default", Default: true}
		if s.EnvOnly {
			if shown.Value == "" {
				continue // its file is listed
			}
			shown.Value = api.Secret
		}
		if service != process {
			shown.Service = t.service.Name
		}
		if at, found := r.where(service, s.Name, ""); found {
			shown.Source, shown.Default = at.String(), false
		}
		all = append(all, shown)
	}
	return all
}
