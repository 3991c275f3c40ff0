// Package catalogue holds what the directory of layers (政务信息资源目录) needs
// beside the layers themselves: the theme tree by which officials find them.
//
// It is data and knows no store. Everything above layers may import it; it
// imports only layers.
package catalogue

import "onemap/layers"

// Kind tells the three parts of the theme tree apart.
type Kind string

const (
	KindBase     Kind = "base"     // 基础信息资源库
	KindThematic Kind = "thematic" // 主题信息资源库
	KindOpen     Kind = "open"     // 开放类别
)

// Theme is a node of the theme tree. Layers name the ids of leaves in
// layers.Layer.Themes.
type Theme struct {
	ID       string      `json:"id"`
	Title    layers.Text `json:"title"`
	Kind     Kind        `json:"kind"`
	Children []Theme     `json:"children,omitempty"`
}

// Themes returns the default theme tree: the libraries and categories of the
// national guide for compiling the directory as the region's plan names them.
// Each call returns a fresh copy, which the caller may change.
func Themes() []Theme {
	return []Theme{
		root("base", KindBase, "基础信息资源库", "Base libraries",
			[3]string{"population", "人口", "Population"},
			[3]string{"legal-entities", "法人单位", "Legal entities"},
			[3]string{"geography", "空间地理", "Spatial geography"},
			[3]string{"macro-economy", "宏观经济", "Macro-economy"},
			[3]string{"credit", "公共信用", "Public credit"},
			[3]string{"licences", "电子证照", "Electronic licences"},
		),
		root("theme", KindThematic, "主题信息资源库", "Thematic libraries",
			[3]string{"registration", "六证合一", "Six-in-one registration"},
			[3]string{"health", "健康保障", "Health"},
			[3]string{"social-security", "社会保障", "Social security"},
			[3]string{"food-drug", "食品药品安全", "Food and drug safety"},
			[3]string{"work-safety", "安全生产", "Work safety"},
			[3]string{"price", "价格监管", "Price supervision"},
			[3]string{"credit", "信用体系", "Credit system"},
			[3]string{"urban-rural", "城乡建设", "Urban and rural construction"},
			[3]string{"ecology", "生态环保", "Ecology and environment"},
		),
		root("open", KindOpen, "开放类别", "Open-data categories",
			[3]string{"transport", "交通地理", "Transport and geography"},
			[3]string{"economy", "经济统计", "Economic statistics"},
			[3]string{"medical-education", "医疗教育", "Medical care and education"},
			[3]string{"resources", "资源环境", "Resources and environment"},
			[3]string{"government", "政务服务", "Government services"},
		),
	}
}

// root builds a part of the tree; a leaf is its id below the root, its title in
// Chinese and in English.
func root(id string, kind Kind, zh, en string, leaves ...[3]string) Theme {
	t := Theme{ID: id, Title: layers.Text{Zh: zh, En: en}, Kind: kind}
	for _, l := range leaves {
		t.Children = append(t.Children, Theme{ID: id + "/" + l[0], Title: layers.Text{Zh: l[1], En: l[2]}, Kind: kind})
	}
	return t
}

// Leaves returns the ids that a layer may name, in the order of the tree.
func Leaves(themes []Theme) []string {
	var ids []string
	for _, t := range themes {
		if len(t.Children) == 0 {
			ids = append(ids, t.ID)
		}
		ids = append(ids, Leaves(t.Children)...)
	}
	return ids
}
