//go:build tools

// Package tools pins the language host for YAML, so that it can be built where no release of the Pulumi CLI is installed.
package tools

import _ "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
