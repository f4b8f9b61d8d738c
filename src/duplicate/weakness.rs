//! Which class of weakness a text speaks of, in Chinese or English, by the number under which CWE has the class.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// Classes with what people call them, in normal form. Where one name is the beginning of another, the longer one counts.
const CLASSES: [(u32, &[&str]); 33] = [
    (
        79,
        &[
            "跨站脚本",
            "跨站点脚本",
            "xss",
            "cross-site scripting",
            "cross site scripting",
            "script injection",
        ],
    ),
    (89, &["sql注入", "sql 注入", "sqli", "sql injection"]),
    (
        352,
        &[
            "跨站请求伪造",
            "跨站点请求伪造",
            "csrf",
            "cross-site request forgery",
            "cross site request forgery",
        ],
    ),
    (918, &["服务端请求伪造", "服务器端请求伪造", "服务器请求伪造", "ssrf", "server-side request forgery"]),
    (611, &["xml外部实体", "xxe", "xml external entity"]),
    (78, &["命令注入", "命令执行", "command injection", "os command"]),
    (
        94,
        &[
            "代码注入",
            "代码执行",
            "rce",
            "code injection",
            "code execution",
            "execute arbitrary code",
            "内容注入",
        ],
    ),
    (22, &["路径遍历", "目录遍历", "目录穿越", "路径穿越", "path traversal", "directory traversal"]),
    (98, &["文件包含", "file inclusion"]),
    (434, &["文件上传", "file upload", "unrestricted upload"]),
    (552, &["文件读取", "文件下载", "文件泄露", "file read", "file disclosure", "file download"]),
    (502, &["反序列化", "deserialization", "deserialisation"]),
    (601, &["开放重定向", "url重定向", "url跳转", "open redirect"]),
    (798, &["硬编码", "hard-coded", "hardcoded"]),
    (
        521,
        &[
            "弱口令",
            "弱密码",
            "默认口令",
            "默认密码",
            "weak password",
            "default password",
            "default credential",
        ],
    ),
    (
        287,
        &[
            "身份认证绕过",
            "认证绕过",
            "登录绕过",
            "authentication bypass",
            "improper authentication",
            "身份验证绕过",
        ],
    ),
    (
        306,
        &["未授权访问", "未授权", "missing authentication", "unauthenticated access", "unauthorized access"],
    ),
    (
        284,
        &[
            "访问控制错误",
            "访问控制不当",
            "安全绕过",
            "权限绕过",
            "security bypass",
            "access control",
            "访问绕过",
        ],
    ),
    (
        269,
        &[
            "权限提升",
            "提权",
            "特权提升",
            "privilege escalation",
            "elevation of privilege",
            "escalation of privilege",
        ],
    ),
    (639, &["越权", "idor", "insecure direct object"]),
    (
        200,
        &[
            "信息泄露",
            "信息泄漏",
            "信息披露",
            "information disclosure",
            "information leak",
            "information exposure",
        ],
    ),
    (862, &["逻辑缺陷", "业务逻辑", "逻辑漏洞", "business logic"]),
    (
        121,
        &["栈缓冲区溢出", "栈溢出", "stack overflow", "stack-based buffer overflow", "stack buffer overflow"],
    ),
    (122, &["堆缓冲区溢出", "堆溢出", "heap overflow", "heap-based buffer overflow", "heap buffer overflow"]),
    (119, &["缓冲区溢出", "内存破坏", "buffer overflow", "memory corruption", "缓冲区错误"]),
    (125, &["越界读取", "越界读", "out-of-bounds read", "out of bounds read"]),
    (787, &["越界写入", "越界写", "out-of-bounds write", "out of bounds write"]),
    (416, &["释放后重用", "释放后使用", "内存错误引用", "use-after-free", "use after free"]),
    (476, &["空指针", "null pointer"]),
    (190, &["整数溢出", "integer overflow"]),
    (134, &["格式化字符串", "format string"]),
    (295, &["证书验证", "certificate validation", "中间人"]),
    (
        400,
        &[
            "拒绝服务",
            "资源耗尽",
            "denial of service",
            "denial-of-service",
            "resource exhaustion",
            "内存泄露",
            "内存泄漏",
        ],
    ),
];

/// Most classes that one report is said to be of.
const MOST: usize = 3;

struct Names {
    finder: AhoCorasick,
    classes: Vec<u32>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let all = || CLASSES.iter().flat_map(|(class, names)| names.iter().map(move |name| (*class, *name)));
    let finder =
        AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(all().map(|(_, name)| name));
    let finder = finder.unwrap_or_else(|error| unreachable!("the product's own names: {error}"));
    Names { finder, classes: all().map(|(class, _)| class).collect() }
});

/// The classes that `text`, in normal form, names, each once, in its order, with where the first name begins.
pub fn classes(text: &str) -> (Vec<u32>, Option<usize>) {
    let (mut found, mut first) = (Vec::new(), None);
    for name in NAMES.finder.find_iter(text) {
        let (before, after) = (&text[..name.start()], &text[name.end()..]);
        // A short name inside of a longer word is none.
        let letter =
            |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphanumeric());
        let ascii = text[name.range()].is_ascii();
        if ascii && (letter(before.chars().next_back()) || letter(after.chars().next())) {
            continue;
        }
        first.get_or_insert(name.start());
        let class = NAMES.classes[name.pattern().as_usize()];
        if !found.contains(&class) {
            found.push(class);
        }
        if found.len() == MOST {
            break;
        }
    }
    (found, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_name_the_same_class() {
        assert_eq!(classes("后台存在sql注入漏洞").0, classes("an sql injection in the login form").0);
        assert_eq!(classes("存储型跨站脚本").0, [79]);
        assert_eq!(classes("堆缓冲区溢出漏洞").0, [122]);
        assert_eq!(classes("resource in source").0, [0; 0], "rce is no part of a word");
        assert_eq!(classes("gateway sql注入漏洞").1, Some("gateway ".len()));
    }
}
