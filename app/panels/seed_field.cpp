#include "app/panels/seed_field.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QRandomGenerator>
#include <QToolButton>

namespace kinora::app {

SeedField::SeedField(const Theme& theme, RequestDocument& document, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_document(document),
      m_parameter(*pipelines::findImageParameter("seed")),
      m_label(new ParameterLabel(toQString(m_parameter.label))), m_edit(new QLineEdit),
      m_dice(makeIconButton(theme, "dice", "Draw a new seed and keep it")),
      m_lock(makeIconButton(theme, "lock-open", "Keep this seed")),
      m_error(makeLabel({}, "error", "small")) {
    QGridLayout* layout = makeFieldLayout(theme, this);
    layout->addWidget(m_label, 0, 0, Qt::AlignLeft | Qt::AlignVCenter);
    layout->addWidget(m_edit, 0, 1);
    layout->addWidget(m_dice, 0, 2);
    layout->addWidget(m_lock, 0, 3);
    layout->addWidget(m_error, 1, 1, 1, 3);
    m_error->setWordWrap(true);
    m_error->hide();
    m_edit->setAccessibleName(toQString(m_parameter.label));
    m_label->setBuddy(m_edit);
    m_label->setHelp(toQString(m_parameter.help), "random");
    m_lock->setCheckable(true);
    connect(m_edit, &QLineEdit::editingFinished, this,
            [this] { commit(m_edit->text().trimmed()); });
    connect(m_edit, &QLineEdit::textEdited, this, [this] { m_error->hide(); });
    connect(m_label, &ParameterLabel::resetWanted, this, [this] { commit({}); });
    connect(m_dice, &QToolButton::clicked, this,
            [this] { commit(QString::number(QRandomGenerator::global()->generate())); });
    connect(m_lock, &QToolButton::clicked, this, [this](bool locked) {
        if (!locked)
            commit({});
        else
            commit(QString::number(m_lastSeed.value_or(QRandomGenerator::global()->generate())));
    });
    connect(&document, &RequestDocument::changed, this, &SeedField::refresh);
    refresh();
}

void SeedField::setLastSeed(int64_t seed) {
    m_lastSeed = seed;
    refresh();
}

QString SeedField::error() const {
    return m_error->isHidden() ? QString() : m_error->text();
}

void SeedField::commit(const QString& text) {
    QString problem;
    if (text.isEmpty())
        m_document.reset(m_parameter);
    else
        problem = m_document.setText(m_parameter, text);
    m_document.endEdit();
    m_error->setText(problem);
    m_error->setVisible(!problem.isEmpty());
    setStyleProperty(m_edit, "invalid", problem.isEmpty() ? "false" : "true");
    if (problem.isEmpty()) refresh();
}

void SeedField::refresh() {
    const std::optional<int64_t> seed = m_document.request().seed;
    if (error().isEmpty()) m_edit->setText(seed ? QString::number(*seed) : QString());
    m_edit->setPlaceholderText("Random");
    m_lock->setChecked(seed.has_value());
    m_lock->setIcon(m_theme.icon(seed ? "lock" : "lock-open", seed ? "text" : "secondText"));
    const QString name = seed ? "Draw another seed for each job" : "Keep the last seed";
    m_lock->setToolTip(!seed && m_lastSeed ? name + QString(", %1").arg(*m_lastSeed) : name);
    m_lock->setAccessibleName(name);
    m_label->setChanged(seed.has_value());
}

} // namespace kinora::app
