//! Vocabulary of advisories.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Why a product is not affected, as machines read it: the justifications of CISA's VEX. 产品不受影响的理由（CISA VEX 规定的取值）。
    Justification {
        /// The vulnerable component is not in it. 不含该组件。
        ComponentNotPresent = "COMPONENT_NOT_PRESENT",
        /// The component is in it, its vulnerable code is not. 含该组件，但不含存在漏洞的代码。
        VulnerableCodeNotPresent = "VULNERABLE_CODE_NOT_PRESENT",
        /// The vulnerable code never runs. 存在漏洞的代码不会被执行。
        VulnerableCodeNotInExecutePath = "VULNERABLE_CODE_NOT_IN_EXECUTE_PATH",
        /// No attacker can control the vulnerable code. 攻击者无法控制存在漏洞的代码。
        VulnerableCodeCannotBeControlledByAdversary = "VULNERABLE_CODE_CANNOT_BE_CONTROLLED_BY_ADVERSARY",
        /// What is built in keeps attackers from using it. 内置防护使漏洞无法被利用。
        InlineMitigationsAlreadyExist = "INLINE_MITIGATIONS_ALREADY_EXIST",
    }
}
