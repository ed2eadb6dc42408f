#pragma once
// Colours, measures and icons of the window, from resources/theme/theme.json: widgets name what
// they want and hold no colour of their own. Dark and light change at run time.
//
//     painter.fillRect(rect, theme.color("canvas"));
//     button->setIcon(theme.icon("dice"));
//
// Made once by the window's entry point and handed on by reference. UI thread only.

#include <QColor>
#include <QHash>
#include <QIcon>
#include <QObject>
#include <QString>

class QApplication;
class QWidget;

namespace kinora::app {

enum class ThemeChoice { System, Dark, Light };

class Theme : public QObject {
    Q_OBJECT
  public:
    explicit Theme(QObject* parent = nullptr);

    ThemeChoice choice() const { return m_choice; }
    void setChoice(ThemeChoice choice);
    // What the desktop prefers; counts while the choice is System.
    void setSystemDark(bool dark);
    bool dark() const;

    // Names as in theme.json; asking for one that is not there is a bug and ends the program.
    QColor color(const QString& name) const;
    int measure(const QString& name) const; // px
    // From resources/icons, drawn in the theme's text colour at any pixel ratio.
    QIcon icon(const QString& name) const;
    // The same in a colour of the theme: icon("error", "error").
    QIcon icon(const QString& name, const QString& colorName) const;

    // Sets style, palette, font size and style sheet, now and at every change.
    void applyTo(QApplication& application);

  signals:
    void changed();

  private:
    void readThemeFile();
    void refresh();
    QString styleSheet() const;

    ThemeChoice m_choice = ThemeChoice::System;
    bool m_systemDark = true;
    QHash<QString, QColor> m_dark;
    QHash<QString, QColor> m_light;
    QHash<QString, int> m_measures;
    double m_textScale = 1.0; // the desktop's text size against the theme's
    QApplication* m_application = nullptr;
};

// Fills a recoloured icon into a picture of `size` device pixels.
QPixmap renderThemeIcon(const QString& name, const QColor& color, const QSize& size);

} // namespace kinora::app
