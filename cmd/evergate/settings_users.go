package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"evergate/gateway/config"
)

// usersSetting takes the lines of users. They may have passwords, so they are not shown, and stand in the file only.
func usersSetting() *setting {
	s := listSetting("users", "user NAME RULE ...", "users of this gateway, in the syntax of Redis's ACL",
		func(t target) *[]string { return &t.service.Access.Users })
	s.kind, s.fileOnly, s.secret = lines, true, true
	s.show = func(t target) string {
		if n := len(t.service.Access.Users); n > 0 {
			return fmt.Sprintf("%d lines", n)
		}
		return ""
	}
	return s
}

func auditLogSetting() *setting {
	s := textSetting("audit-log", "FILE|stdout", "log of denied and of dangerous commands, in JSON, without values",
		func(t target) *string { return &t.config.AuditLog })
	s.choices = []string{config.AuditStdout}
	return s
}

func usersFileSetting() *setting {
	return textSetting("users-file", "FILE", "file of users in the syntax of Redis's ACL, read every second",
		func(t target) *string { return &t.service.Access.UsersFile })
}

// checkUsers reads every file of users: a wrong line is to fail the start.
func (r *resolved) checkUsers(s *sources) {
	for i := range r.config.Services {
		service := &r.config.Services[i]
		if !service.Access.Defined() {
			continue
		}
		name := "users"
		if service.Access.UsersFile != "" {
			name = "users-file"
		}
		at, _ := r.where(i, name, "")
		a := assignment{setting: findSetting(name), at: at}
		warnings, err := service.Access.Check(service.Listen, service.NoAuth)
		for _, text := range warnings {
			r.warnings = append(r.warnings, mistake{at, a.named(text)})
		}
		switch {
		case name == "users": // were validated
		case errors.Is(err, os.ErrNotExist) && r.elsewhere:
			r.warnings = append(r.warnings, mistake{at, a.named(err.Error())})
		case err != nil:
			for text := range strings.SplitSeq(err.Error(), "; ") {
				s.wrong(at, a.named(text))
			}
		default:
			r.warnReadable(service, at, &a)
		}
	}
}

// warnReadable warns of a file of users that everybody on this machine may read.
func (r *resolved) warnReadable(service *config.Service, at place, a *assignment) {
	file := service.Access.UsersFile
	if stat, err := os.Stat(file); err == nil && stat.Mode().Perm()&0o004 != 0 {
		r.warnings = append(r.warnings, mistake{at, a.named(file +
			" can be read by every user of this machine (chmod o-r " + file + ")")})
	}
}
