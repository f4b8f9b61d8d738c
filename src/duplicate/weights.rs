//! How telling a term is: the rarer, the more. Pure.
//!
//! Weights come in generations. A generation is made from a bounded sample of reports that everybody who is shown
//! candidates may see, and says of each common term how often the number of reports halves until only those with the term
//! are left, in whole halvings. What is not common has the most. So the weights say nothing of a single report, and they
//! stay the same until the next generation.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use super::features::term;
use crate::text::tokens;

/// Most terms that a generation says something of.
const COMMON: usize = 16_384;
/// Reports of a sample that have to have a term before something is said of it.
const SEEN_IN: u32 = 8;
/// What a term has of which nothing is said, in halvings.
const RARE: u8 = 11;
/// Halvings below which a term finds too much.
const POSTED_FROM: u8 = 5;

/// What reports everywhere say, of whatever they are about: the weights of an installation that has no reports yet.
const PHRASES: &str = "攻击者可利用该漏洞 攻击者利用此漏洞 远程攻击者可借助特制的请求 本地攻击者 存在漏洞 存在安全漏洞 未明漏洞 该漏洞源于 \
    未能正确 缺少对输入的正确验证 目前没有详细的漏洞细节提供 目前厂商已发布升级补丁以修复漏洞 之前版本中 及之前版本 版本至 执行任意代码 \
    造成拒绝服务 获取敏感信息 应用程序崩溃 在受影响的浏览器上下文中 系统上 客户端代码 导致 程序 文件 服务器 用户 允许 通过 公司的一款 \
    公司的一套 软件 产品 系统 管理 平台 使用 支持 多款 组件 插件 是美国 的正确 未授权 权限 访问 请求 数据 网络 功能 信息 安全 影响 \
    the a an of to in and is for on by with that this attacker attackers vulnerability allows could remote local user \
    users arbitrary code execution via crafted request exists due before version versions affected affects can be from \
    an issue was discovered in server application file data input";

/// How telling terms are, in one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Counts up from 0, which comes with the product.
    pub generation: i64,
    /// Reports that there were when it was made.
    reports: u64,
    common: HashMap<u32, u8, RandomState>,
}

impl Default for Weights {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Weights> = LazyLock::new(|| {
            let terms = tokens(PHRASES).map(|token| (term(&[&token.text]), 3));
            Weights { generation: 0, reports: 0, common: terms.collect() }
        });
        BUILT_IN.clone()
    }
}

impl Weights {
    /// What the most telling terms have.
    pub const MOST: u32 = RARE as u32 + 1;

    /// A generation, made when there were so many reports, from a sample: how many it has, and how many of them have each term.
    pub fn of_sample(generation: i64, reports: i64, sampled: u32, having: HashMap<u32, u32>) -> Self {
        let mut common: Vec<(u32, u32)> = having.into_iter().filter(|(_, count)| *count >= SEEN_IN).collect();
        common.sort_unstable_by_key(|(term, count)| (std::cmp::Reverse(*count), *term));
        common.truncate(COMMON);
        let halvings =
            |count: u32| u8::try_from((sampled / count.max(1)).max(1).ilog2()).unwrap_or(RARE).min(RARE);
        let common = common.into_iter().map(|(term, count)| (term, halvings(count))).collect();
        Self { generation, reports: u64::try_from(reports).unwrap_or_default(), common }
    }

    fn halvings(&self, term: u32) -> u8 {
        self.common.get(&term).copied().unwrap_or(RARE)
    }

    /// How telling a term is, 1 to 12.
    pub fn of(&self, term: u32) -> u32 {
        u32::from(self.halvings(term)) + 1
    }

    /// Whether reports are found by the term.
    pub fn is_posted(&self, term: u32) -> bool {
        self.halvings(term) >= POSTED_FROM
    }

    /// About how many reports have the term.
    pub fn expected(&self, term: u32) -> u64 {
        self.reports >> self.halvings(term)
    }

    /// As it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let mut terms: Vec<_> = self.common.iter().collect();
        terms.sort_unstable();
        terms
            .into_iter()
            .flat_map(|(term, halvings)| term.to_be_bytes().into_iter().chain([*halvings]))
            .collect()
    }

    /// What was kept.
    pub fn decode(generation: i64, reports: i64, bytes: &[u8]) -> Self {
        let terms = bytes.chunks_exact(5).filter_map(|term| {
            let value = term[..4].try_into().map(u32::from_be_bytes).ok()?;
            Some((value, term[4]))
        });
        Self { generation, reports: u64::try_from(reports).unwrap_or_default(), common: terms.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarer_a_term_the_more_it_tells() {
        let weights = Weights::of_sample(3, 4_096, 1_024, [(1, 1_024), (2, 64), (3, 8), (4, 7)].into());
        assert_eq!([1, 2, 3, 4, 5].map(|term| weights.of(term)), [1, 5, 8, 12, 12]);
        assert!(!weights.is_posted(2) && weights.is_posted(3) && weights.is_posted(5));
        assert_eq!([1, 2, 3, 4].map(|term| weights.expected(term)), [4_096, 256, 32, 2]);
        assert_eq!(Weights::decode(3, 4_096, &weights.encode()), weights);
    }

    #[test]
    fn one_report_more_or_less_changes_nothing() {
        let weights = |count| Weights::of_sample(1, 4_096, 4_096, [(1, count), (2, 300)].into());
        assert_eq!(weights(150), weights(151));
    }

    #[test]
    fn a_new_installation_knows_what_everybody_says() {
        let weights = Weights::default();
        assert!(weights.of(term(&["漏洞"])) < weights.of(term(&["网关"])));
        assert!(!weights.is_posted(term(&["attacker"])));
    }
}
