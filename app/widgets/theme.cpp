#include "app/widgets/theme.h"

#include <QApplication>
#include <QFile>
#include <QFont>
#include <QFontInfo>
#include <QIconEngine>
#include <QJsonDocument>
#include <QJsonObject>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QStyleFactory>
#include <QSvgRenderer>

#include <algorithm>

// Static libraries keep their resources only where somebody asks for them; outside any namespace.
static void loadWindowResources() {
    Q_INIT_RESOURCE(gui);
}

namespace kinora::app {
namespace {

QByteArray readResource(const QString& path) {
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) qFatal("missing resource %s", qUtf8Printable(path));
    return file.readAll();
}

QHash<QString, QColor> colorsFrom(const QJsonObject& object) {
    QHash<QString, QColor> colors;
    for (auto it = object.begin(); it != object.end(); ++it) {
        QString text = it.value().toString();
        // #rrggbbaa in the file, #aarrggbb for QColor.
        if (text.size() == 9) text = "#" + text.right(2) + text.mid(1, 6);
        colors.insert(it.key(), QColor(text));
    }
    return colors;
}

// Draws with the colours that the theme has when it paints, so icons follow a change at once.
class ThemeIconEngine : public QIconEngine {
  public:
    ThemeIconEngine(const Theme& theme, QString name, QString colorName)
        : m_theme(theme), m_name(std::move(name)), m_colorName(std::move(colorName)) {}

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
        const QString color =
            mode == QIcon::Disabled ? QStringLiteral("disabledText") : m_colorName;
        const double ratio = painter->device()->devicePixelRatioF();
        QPixmap drawn = renderThemeIcon(m_name, m_theme.color(color), rect.size() * ratio);
        drawn.setDevicePixelRatio(ratio);
        painter->drawPixmap(rect.topLeft(), drawn);
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State) override {
        const QString color =
            mode == QIcon::Disabled ? QStringLiteral("disabledText") : m_colorName;
        return renderThemeIcon(m_name, m_theme.color(color), size);
    }
    QIconEngine* clone() const override {
        return new ThemeIconEngine(m_theme, m_name, m_colorName);
    }

  private:
    const Theme& m_theme;
    QString m_name;
    QString m_colorName;
};

} // namespace

QPixmap renderThemeIcon(const QString& name, const QColor& color, const QSize& size) {
    QByteArray svg = readResource(":/kinora/icons/" + name + ".svg");
    svg.replace("currentColor", color.name().toLatin1());
    QSvgRenderer renderer(svg);
    QPixmap pixmap(size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    renderer.render(&painter, QRectF(QPointF(0, 0), size));
    return pixmap;
}

Theme::Theme(QObject* parent) : QObject(parent) {
    loadWindowResources();
    readThemeFile();
}

void Theme::readThemeFile() {
    const QJsonObject root =
        QJsonDocument::fromJson(readResource(":/kinora/theme/theme.json")).object();
    m_dark = colorsFrom(root.value("dark").toObject());
    m_light = colorsFrom(root.value("light").toObject());
    const QJsonObject measures = root.value("measures").toObject();
    for (auto it = measures.begin(); it != measures.end(); ++it)
        m_measures.insert(it.key(), it.value().toInt());
}

void Theme::setChoice(ThemeChoice choice) {
    if (choice == m_choice) return;
    m_choice = choice;
    refresh();
}

void Theme::setSystemDark(bool dark) {
    if (dark == m_systemDark) return;
    m_systemDark = dark;
    if (m_choice == ThemeChoice::System) refresh();
}

bool Theme::dark() const {
    return m_choice == ThemeChoice::System ? m_systemDark : m_choice == ThemeChoice::Dark;
}

QColor Theme::color(const QString& name) const {
    const QHash<QString, QColor>& colors = dark() ? m_dark : m_light;
    const auto it = colors.find(name);
    if (it == colors.end()) qFatal("theme.json has no colour %s", qUtf8Printable(name));
    return *it;
}

int Theme::measure(const QString& name) const {
    const auto it = m_measures.find(name);
    if (it == m_measures.end()) qFatal("theme.json has no measure %s", qUtf8Printable(name));
    // Text and what holds a line of text grow with the desktop's text size; the grid stays.
    const bool grows =
        name.startsWith("text") || name == "control" || name == "chip" || name == "primary";
    return grows ? qRound(*it * m_textScale) : *it;
}

QIcon Theme::icon(const QString& name) const {
    return icon(name, QStringLiteral("text"));
}

QIcon Theme::icon(const QString& name, const QString& colorName) const {
    return QIcon(new ThemeIconEngine(*this, name, colorName));
}

void Theme::applyTo(QApplication& application) {
    m_application = &application;
    // The desktop's size counts where it is larger than the theme's; below that text is hard to
    // read at arm's length.
    const double desktop = QFontInfo(application.font()).pixelSize();
    m_textScale = std::clamp(desktop / m_measures.value("text"), 1.0, 3.0);
    application.setStyle(QStyleFactory::create("Fusion"));
    QFont font = application.font();
    font.setPixelSize(measure("text"));
    application.setFont(font);
    refresh();
}

void Theme::refresh() {
    if (m_application == nullptr) return;
    QPalette palette;
    palette.setColor(QPalette::Window, color("window"));
    palette.setColor(QPalette::WindowText, color("text"));
    palette.setColor(QPalette::Base, color("field"));
    palette.setColor(QPalette::AlternateBase, color("panel"));
    palette.setColor(QPalette::Text, color("text"));
    palette.setColor(QPalette::PlaceholderText, color("secondText"));
    palette.setColor(QPalette::Button, color("raised"));
    palette.setColor(QPalette::ButtonText, color("text"));
    palette.setColor(QPalette::ToolTipBase, color("field"));
    palette.setColor(QPalette::ToolTipText, color("text"));
    palette.setColor(QPalette::Highlight, color("selection"));
    palette.setColor(QPalette::HighlightedText, color("text"));
    palette.setColor(QPalette::Link, color("focus"));
    // Fusion draws disabled text of menus twice, once in this colour: it must not be seen.
    palette.setColor(QPalette::Light, color("field"));
    palette.setColor(QPalette::Mid, color("line"));
    palette.setColor(QPalette::Dark, color("line"));
    palette.setColor(QPalette::Shadow, color("line"));
    for (auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, color("disabledText"));
    m_application->setPalette(palette);
    m_application->setStyleSheet(styleSheet());
    emit changed();
}

QString Theme::styleSheet() const {
    QString sheet = QString::fromUtf8(readResource(":/kinora/theme/kinora.qss"));
    const auto replace = [&](const QString& name, const QString& value) {
        sheet.replace("@" + name + "@", value);
    };
    replace("text-color", color("text").name());
    // A style sheet's height leaves out the border of 1 px on both sides (2 px on the primary).
    replace("chipInner", QString::number(measure("chip") - 2));
    replace("controlInner", QString::number(measure("control") - 2));
    replace("primaryInner", QString::number(measure("primary") - 4));
    for (auto it = m_measures.begin(); it != m_measures.end(); ++it)
        replace(it.key(), QString::number(measure(it.key())));
    for (auto it = m_dark.begin(); it != m_dark.end(); ++it)
        replace(it.key(), color(it.key()).name());
    return sheet;
}

} // namespace kinora::app
